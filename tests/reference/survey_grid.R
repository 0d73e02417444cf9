# A grid of R's survey package for tests/estimation/test_r_grid.py: method x bounds x design x statistic x domain.
# Usage: Rscript survey_grid.R <folder with apistrat.csv ...>. Writes design,method,statistic,by,domain,estimate,std_error.
suppressMessages(library(survey))
options(digits = 15, warn = 1)
folder <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) {
  frame <- read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = TRUE)
  frame$award <- as.numeric(frame$awards == "Yes"); frame$enroll[is.na(frame$enroll)] <- 0
  frame
}
strat <- read("apistrat"); clus1 <- read("apiclus1"); clus2 <- read("apiclus2")
designs <- list(
  "rows" = svydesign(id = ~1, weights = ~pw, data = strat),
  "strata wr" = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = strat),
  "strata fpc" = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = strat, fpc = ~fpc),
  "clusters wr" = svydesign(id = ~dnum, weights = ~pw, data = clus1),
  "clusters fpc" = svydesign(id = ~dnum, weights = ~pw, data = clus1, fpc = ~fpc),
  "two stages" = svydesign(id = ~dnum + snum, weights = ~pw, data = clus2, fpc = ~fpc1 + fpc2))
stype <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
few <- c(`(Intercept)` = 6194, api99 = 3914069)
some <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
cal <- function(formula, totals, ...) function(d) calibrate(d, formula, totals, epsilon = 1e-11, maxit = 500, ...)
methods <- list(
  "given" = function(d) d,
  "poststratify" = function(d) postStratify(d, ~stype, stype),
  "rake" = function(d) if (diff(range(d$prob)) == 0) # with unequal weights rake() averages residuals without them; calibrate() does not
    rake(d, list(~stype, ~sch.wide), list(stype, wide), control = list(maxit = 2000, epsilon = 1e-9)) else
    calibrate(d, ~stype + sch.wide, c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, sch.wideYes = 5122), calfun = "raking",
              epsilon = 1e-11, maxit = 500),
  "linear" = cal(~stype + api99, some), "linear few" = cal(~api99, few),
  "truncated" = cal(~api99, few, bounds = c(.8, 1.25)), "truncated wide" = cal(~stype + api99, some, bounds = c(.4, 2)),
  "raking" = cal(~stype + api99, some, calfun = "raking"), "raking few" = cal(~api99, few, calfun = "raking"),
  "raking bounded" = cal(~api99, few, calfun = "raking", bounds = c(.8, 1.25)),
  "logit" = cal(~stype + api99, some, calfun = "logit", bounds = c(.4, 2.5)), "logit few" = cal(~api99, few, calfun = "logit", bounds = c(.8, 1.3)))
statistics <- list(
  "mean" = function(d) svymean(~api00, d), "share" = function(d) svymean(~award, d), "total" = function(d) svytotal(~enroll, d),
  "ratio" = function(d) svyratio(~api00, ~api99, d))
cat("design,method,statistic,by,domain,estimate,std_error\n")
say <- function(...) cat(paste(..., sep = ","), "\n", sep = "")
number <- function(x) sprintf("%.14g", as.numeric(x))
for (design in names(designs)) for (method in names(methods)) {
  d <- try(methods[[method]](designs[[design]]), silent = TRUE)
  if (inherits(d, "try-error")) next
  for (statistic in names(statistics)) {
    f <- statistics[[statistic]]
    s <- f(d)
    say(design, method, statistic, "", "", number(coef(s)), number(SE(s)))
    for (by in c("stype", "yr.rnd")) for (level in levels(d$variables[[by]])) {
      s <- f(d[d$variables[[by]] == level, ])
      say(design, method, statistic, by, level, number(coef(s)), number(SE(s)))
    }
  }
}
