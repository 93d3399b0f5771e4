"""Reports: tidy tables of a plan, indicators, figures and one offline page."""
