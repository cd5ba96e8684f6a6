"""The tables of reports, made once for the page, Markdown and the terminal."""
