"""Interactive sessions: prompts on one volume, corrected masks, committed labels."""
