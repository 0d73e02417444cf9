# Reference values of R's survey package for tests/estimation. Usage: Rscript survey_reference.R <folder with apistrat.csv ...>
# Writes case,domain,estimate,std_error to standard output. "wr": with replacement (no fpc).
suppressMessages(library(survey))
folder <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = TRUE)
strat <- read("apistrat"); clus1 <- read("apiclus1"); clus2 <- read("apiclus2"); pop <- read("apipop")
options(digits = 15)
say <- function(case, estimate, se, domain = "")
  cat(sprintf("%s,%s,%.12g,%.12g\n", case, domain, as.numeric(estimate), as.numeric(se)), sep = "")
both <- function(name, design) {
  m <- svymean(~api00, design); t <- svytotal(~enroll, design, na.rm = TRUE)
  say(paste0(name, " mean"), m, SE(m)); say(paste0(name, " total"), t, SE(t))
}
domains <- function(name, by, design) {
  b <- svyby(~api00, by, design, svymean)
  say(paste0(name, " mean by"), coef(b), SE(b), as.character(b[[1]]))
}
cat("case,domain,estimate,std_error\n")

dstrat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = strat, fpc = ~fpc)
dsrs <- svydesign(id = ~1, weights = ~pw, data = strat)
dclus1 <- svydesign(id = ~dnum, weights = ~pw, data = clus1, fpc = ~fpc)
dclus1w <- svydesign(id = ~dnum, weights = ~pw, data = clus1)
dclus2 <- svydesign(id = ~dnum + snum, weights = ~pw, data = clus2, fpc = ~fpc1 + fpc2)
clus2$f1 <- 40 / 757; clus2$f2 <- ave(clus2$snum, clus2$dnum, FUN = length) / clus2$fpc2
dclus2f <- svydesign(id = ~dnum + snum, weights = ~pw, data = clus2, fpc = ~f1 + f2)
for (pair in list(list("stratified", dstrat), list("unstratified", dsrs), list("one-stage", dclus1), list("one-stage wr", dclus1w),
                  list("two-stage", dclus2), list("two-stage fractions", dclus2f))) {
  both(pair[[1]], pair[[2]]); domains(pair[[1]], ~stype, pair[[2]])
}
domains("stratified awards", ~awards, dstrat); domains("two-stage awards", ~awards, dclus2)
r <- svyratio(~api.stu, ~enroll, dstrat); say("stratified ratio", coef(r), SE(r))
b <- svyby(~api.stu, ~awards, denominator = ~enroll, dstrat, svyratio); say("stratified ratio by", coef(b), SE(b), as.character(b[[1]]))

stype <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
post <- postStratify(dclus1, ~stype, stype); both("post-stratified", post)
raked <- rake(dclus1, list(~stype, ~sch.wide), list(stype, wide), control = list(maxit = 1000, epsilon = 1e-9)); both("raked", raked)
totals <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
linear <- calibrate(dclus1, ~stype + api99, totals)
raking <- calibrate(dclus1, ~stype + api99, totals, calfun = "raking")
logit <- calibrate(dclus1, ~stype + api99, totals, calfun = "logit", bounds = c(.5, 2))
for (pair in list(list("calibrated linear", linear), list("calibrated raking", raking), list("calibrated logit", logit))) {
  both(pair[[1]], pair[[2]]); domains(pair[[1]], ~sch.wide, pair[[2]])
  g <- weights(pair[[2]]) / weights(dclus1); say(paste(pair[[1]], "g range"), min(g), max(g))
}
domains("post-stratified", ~sch.wide, post)
linear2 <- calibrate(dclus2, ~stype, c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018)); both("two-stage calibrated", linear2)
linears <- calibrate(dstrat, ~api99, c(`(Intercept)` = 6194, api99 = 3914069)); both("stratified calibrated", linears)
domains("stratified calibrated", ~awards, linears)

lonely <- svydesign(id = ~1, strata = ~dnum, weights = ~pw, data = clus1)
lone2 <- clus2; lone2$fpc2 <- lone2$fpc2 + 1
staged <- svydesign(id = ~dnum + snum, weights = ~pw, data = lone2, fpc = ~fpc1 + fpc2)
for (rule in c("remove", "adjust", "average")) {
  options(survey.lonely.psu = rule)
  m <- svymean(~api00, lonely); say(paste("lonely", rule, "mean"), m, SE(m))
  t <- svytotal(~enroll, lonely); say(paste("lonely", rule, "total"), t, SE(t))
  if (rule != "average") { m <- svymean(~api00, staged); say(paste("lonely second stage", rule, "mean"), m, SE(m)) }
}
options(survey.lonely.psu = "fail")

jk <- as.svrepdesign(dclus1, type = "JK1"); m <- svymean(~api00, jk); say("JK1 mean", m, SE(m))
m <- svymean(~api00, as.svrepdesign(dclus1, type = "JK1", mse = TRUE)); say("JK1 mse mean", m, SE(m))
m <- svymean(~api00, as.svrepdesign(dclus1w, type = "JK1")); say("JK1 wr mean", m, SE(m))
