"""One offline HTML file per language, and tables."""
