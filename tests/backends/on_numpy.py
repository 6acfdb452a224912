from adaptor import Adaptor

from xlosses._backends import load_workbench

adaptor = Adaptor("numpy", load_workbench("numpy"), default_float="float64", looks=True)
