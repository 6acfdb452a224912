"""The gallery of losses: `kinds` of pictures, what to draw and say of each loss, and how to draw it."""

from gallery import elements, rows, sets

ENTRIES = {**elements.ENTRIES, **rows.ENTRIES, **sets.ENTRIES}
