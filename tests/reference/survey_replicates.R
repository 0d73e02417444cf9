# Replicate weights of R's survey package on the api data, printed as case,domain,estimate,std_error.
# Rscript survey_replicates.R <folder of the api data> <folder with hadamard_<order>.csv; weights.csv is written there>
suppressMessages(library(survey))
folders <- commandArgs(trailingOnly = TRUE)
read <- function(name) read.csv(file.path(folders[1], paste0(name, ".csv")), stringsAsFactors = TRUE)
strat <- read("apistrat"); clus1 <- read("apiclus1"); clus2 <- read("apiclus2")
for (name in c("strat", "clus1", "clus2")) { d <- get(name); d$enroll[is.na(d$enroll)] <- 0; assign(name, d) }
clus2$half <- sprintf("%02d", (match(clus2$dnum, sort(unique(clus2$dnum))) - 1) %/% 2)
plan <- function(order) unname(as.matrix(read.csv(file.path(folders[2], paste0("hadamard_", order, ".csv")), header = FALSE)))

say <- function(case, estimate, domain = "") {
  cat(sprintf("%s,%s,%.12g,%.12g\n", case, domain, coef(estimate), SE(estimate)), sep = "")
}
statistics <- function(case, design, by, nonlinear = TRUE) {
  say(paste(case, "total"), svytotal(~enroll, design))
  if (!nonlinear) return(invisible())
  say(paste(case, "mean"), svymean(~api00, design))
  say(paste(case, "ratio"), svyratio(~api.stu, ~enroll, design))
  domains <- svyby(~api00, by, design, svymean)
  say(paste(case, "by"), domains, domains[[1]])
  sums <- svyby(~enroll, by, design, svytotal)
  say(paste(case, "total by"), sums, sums[[1]])
}
of <- function(design, ...) suppressWarnings(as.svrepdesign(design, ...))

cat("case,domain,estimate,std_error\n")
one <- svydesign(id = ~dnum, weights = ~pw, data = clus1, fpc = ~fpc)
open <- svydesign(id = ~dnum, weights = ~pw, data = clus1)
strata <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = strat, fpc = ~fpc)
halves <- svydesign(id = ~dnum, strata = ~half, weights = ~pw, data = clus2, nest = TRUE)
lonely <- svydesign(id = ~1, strata = ~dnum, weights = ~pw, data = clus1)
for (mse in c(TRUE, FALSE)) {
  centre <- if (mse) "estimate" else "mean"
  statistics(paste("JK1", centre), of(one, type = "JK1", mse = mse), ~sch.wide)
  statistics(paste("JK1 open", centre), of(open, type = "JK1", mse = mse), ~sch.wide)
  statistics(paste("JKn", centre), of(strata, type = "JKn", mse = mse), ~sch.wide)
  statistics(paste("JKn clusters", centre), of(halves, type = "JKn", mse = mse), ~sch.wide)
  for (rule in c("remove", "adjust", "average")) {
    options(survey.lonely.psu = rule)
    statistics(paste("JKn lonely", rule, centre), of(lonely, type = "JKn", mse = mse), ~sch.wide)
  }
  options(survey.lonely.psu = "fail")
  statistics(paste("BRR", centre), of(halves, type = "BRR", hadamard.matrix = plan(24), mse = mse), ~sch.wide)
  statistics(paste("Fay", centre), of(halves, type = "Fay", fay.rho = 0.3, hadamard.matrix = plan(24), mse = mse), ~sch.wide)
  statistics(paste("BRR split", centre), of(strata, type = "BRR", hadamard.matrix = plan(104), mse = mse), ~sch.wide, nonlinear = FALSE)
}
statistics("BRR own plan", of(halves, type = "BRR", mse = TRUE), ~sch.wide, nonlinear = FALSE)

totals <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018)); wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
exact <- list(maxit = 200, epsilon = 1e-12, verbose = FALSE)
for (base in c("JK1", "JKn", "BRR")) {
  design <- switch(base, JK1 = of(one, type = "JK1", mse = TRUE), JKn = of(strata, type = "JKn", mse = TRUE),
                   BRR = of(halves, type = "Fay", fay.rho = 0.3, hadamard.matrix = plan(24), mse = TRUE))
  statistics(paste(base, "post-stratified"), postStratify(design, ~stype, types), ~sch.wide)
  statistics(paste(base, "raked"), rake(design, list(~stype, ~sch.wide), list(types, wide), control = exact), ~sch.wide)
  statistics(paste(base, "linear"), calibrate(design, ~stype + api99, totals, epsilon = 1e-12), ~sch.wide)
  statistics(paste(base, "raking"), calibrate(design, ~stype + api99, totals, calfun = "raking", epsilon = 1e-12), ~sch.wide)
}
set.seed(1); boot <- as.svrepdesign(strata, type = "subbootstrap", replicates = 60)
statistics("given", boot, ~sch.wide)
write.table(weights(boot, "analysis"), file.path(folders[2], "weights.csv"), sep = ",", row.names = FALSE, col.names = FALSE)
write.table(weights(boot, "replication"), file.path(folders[2], "factors.csv"), sep = ",", row.names = FALSE, col.names = FALSE)
cat(sprintf("given degf,,%.12g,0\n", degf(boot)))
