"""The report: claims and what came out of testing them, the run over all of them, the page."""
