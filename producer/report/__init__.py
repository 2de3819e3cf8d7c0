"""The morning report: one page on what a night's job did, for people who decide what to block."""
