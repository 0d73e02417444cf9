# Proportions, quantiles, variances and functions of estimates by R's survey package, for tests/estimation/test_r_statistics.py.
# Usage: Rscript survey_statistics.R <folder with apistrat.csv ...>. Writes design,method,domain,statistic,estimate,std_error,low,high.
suppressMessages(library(survey))
options(digits = 15, warn = -1)
folder <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) {
  frame <- read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = TRUE)
  frame$award <- as.numeric(frame$awards == "Yes"); frame$score <- floor(frame$api00 / 100)
  frame$points <- 100 * ((frame$score >= 8) - (frame$score <= 5))
  frame
}
strat <- read("apistrat"); clus1 <- read("apiclus1"); clus2 <- read("apiclus2")
designs <- list(
  "strata fpc" = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = strat, fpc = ~fpc),
  "clusters fpc" = svydesign(id = ~dnum, weights = ~pw, data = clus1, fpc = ~fpc),
  "two stages" = svydesign(id = ~dnum + snum, weights = ~pw, data = clus2, fpc = ~fpc1 + fpc2))
some <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
methods <- list(
  "given" = function(d) d,
  "raking" = function(d) calibrate(d, ~stype + api99, some, calfun = "raking", epsilon = 1e-11, maxit = 500))
cat("design,method,domain,statistic,estimate,std_error,low,high\n")
number <- function(x) sprintf("%.14g", as.numeric(x))
delta <- function(f, v, g) c(f, sqrt(as.numeric(t(g) %*% v %*% g)))
for (design in names(designs)) for (method in names(methods)) for (domain in c("", "E", "M")) {
  d <- methods[[method]](designs[[design]])
  if (domain != "") d <- d[d$variables$stype == domain, ]
  say <- function(statistic, x, limits = c(NA, NA)) cat(paste(design, method, domain, statistic, number(x[1]), number(x[2]),
                                                              number(limits[1]), number(limits[2]), sep = ","), "\n", sep = "")
  for (m in c("logit", "asin", "beta", "mean", "xlogit")) {
    # in a domain of a calibrated design R's "beta" counts the rows of the whole sample
    if (m == "beta" && domain != "" && method != "given") next
    p <- svyciprop(~award, d, method = m)
    say(paste("proportion", m), c(coef(p), SE(p)), confint(p))
  }
  for (m in c("mean", "beta", "xlogit", "asin")) for (q in c(.25, .5, .75)) {
    if (m == "beta" && domain != "" && method != "given") next
    for (y in if (m == "mean") c("api00", "score") else "api00") {
      x <- svyquantile(as.formula(paste0("~", y)), d, q, interval.type = m)[[1]]
      say(paste("quantile", m, q, y), x[c(1, 4)], x[2:3])
    }
  }
  x <- svyquantile(~api00, d, .5, qrule = "school")[[1]]
  say("quantile school", x[c(1, 4)], x[2:3])
  v <- svyvar(~api00 + meals, d); V <- attr(v, "var"); v <- as.vector(v)
  say("variance", c(v[1], sqrt(V[1, 1]))); say("covariance", c(v[2], sqrt(V[2, 2])))
  r <- v[2] / sqrt(v[1] * v[4])
  say("correlation", delta(r, V, c(-r / 2 / v[1], 1 / sqrt(v[1] * v[4]), 0, -r / 2 / v[4])))
  x <- svymean(~points, d); say("net_promoter_score", c(coef(x), SE(x)), confint(x))
  m <- svymean(~api00 + api99 + meals, d)
  for (f in list(quote(api00 / api99), quote(log(api00) * meals - sqrt(api99)), quote(api00 - api99))) {
    x <- svycontrast(m, f)
    say(gsub(" ", "", deparse(f)), c(coef(x), SE(x)), confint(x))
  }
}
