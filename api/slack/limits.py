"""What Slack's reference says that a message may hold, in characters and pieces.

Block Kit reference: blocks, block elements, composition objects; `chat.postMessage`; modal views.
"""

from __future__ import annotations

BLOCKS = 50
SECTION_TEXT = 3_000
CONTEXT_TEXT = 3_000
CONTEXT_ELEMENTS = 10
ACTION_ELEMENTS = 25
BUTTON_TEXT = 75
BUTTON_VALUE = 2_000
ACTION_ID = BLOCK_ID = 255
MESSAGE_TEXT = 40_000
WISE_TEXT = 4_000
"""What is recommended for the text beside the blocks."""

MODAL_TITLE = MODAL_BUTTON = 24
MODAL_METADATA = INPUT_TEXT = 3_000

TOTAL = 12_000
"""Characters of all blocks together. Slack states no number for them and refuses "too long" ones; it states this one
for text in Markdown blocks."""
