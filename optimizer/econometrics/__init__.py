"""Does dispatched capacity become regional innovation? Econometrics on numpy and scipy, importing nothing else of ours.

Read in this order: `arrays errors smallsample covariance effects linear` (least squares with absorbed effects);
`instruments weak exclusion`; `clusterscores bootstrap`; `splitgram splitsearch thresholdtest threshold kink`;
`moments mediation heterogeneity`; `sensitivity`; `weights spatial`. On these stand `panel synthetic`, the whole
`programme` with its `results`, the `tables` and `plots` of `studies`, the `audit` of published tables, and the
`projection` from a dispatch to innovation.
"""
