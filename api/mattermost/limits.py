"""What Mattermost's reference says that a post may hold, in characters.

REST API v4: posts, actions; interactive messages; interactive dialogs. How long a post may be is the server's
(`CUECARD_MATTERMOST_POST_LENGTH`).
"""

from __future__ import annotations

BUTTON_NAME = 75
"""Nothing is stated; longer ones are not read."""

DIALOG_TEXT = 3_000
PLAIN_TEXT = 4_000
"""What every server takes in a post, whatever its settings."""
