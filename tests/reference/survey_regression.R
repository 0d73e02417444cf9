# Regressions and tests of R's survey package for tests/estimation. Usage: Rscript survey_regression.R <folder with apistrat.csv ...>
# Writes case,kind,estimate,std_error,df to standard output: coefficients in order, and tests as statistic, p value, degrees of freedom.
suppressMessages(library(survey))
folder <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) {
  frame <- read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = TRUE)
  frame$high <- as.numeric(frame$api00 > 650)
  frame$meals10 <- frame$meals / 10
  frame$band <- cut(frame$api00, c(0, 550, 650, 750, 1000), labels = c("a", "b", "c", "d"))
  frame
}
strat <- read("apistrat"); clus1 <- read("apiclus1"); clus2 <- read("apiclus2")
say <- function(case, kind, estimate, se, df)
  cat(sprintf("%s,%s,%.12g,%.12g,%.12g\n", case, kind, as.numeric(estimate), as.numeric(se), as.numeric(df)), sep = "")
cat("case,kind,estimate,std_error,df\n")

clusters <- svydesign(id = ~dnum, weights = ~pw, data = clus1, fpc = ~fpc)
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018)); wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
totals <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
designs <- list(
  unstratified = svydesign(id = ~1, weights = ~pw, data = strat),
  stratified = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = strat, fpc = ~fpc),
  clusters = clusters,
  stages = svydesign(id = ~dnum + snum, weights = ~pw, data = clus2, fpc = ~fpc1 + fpc2),
  raked = rake(clusters, list(~stype, ~sch.wide), list(types, wide), control = list(maxit = 1000, epsilon = 1e-9)),
  calibrated = calibrate(clusters, ~stype + api99, totals),
  logit = calibrate(clusters, ~stype + api99, totals, calfun = "logit", bounds = c(.5, 2), epsilon = 1e-11)
)
tight <- glm.control(epsilon = 1e-14, maxit = 100)
models <- list(
  gaussian = list(api00 ~ ell + meals10 + stype, gaussian()), log = list(api00 ~ meals10, gaussian("log")),
  binomial = list(high ~ meals10 + stype, quasibinomial()), probit = list(high ~ meals10 + stype, quasibinomial("probit")),
  cloglog = list(high ~ meals10, quasibinomial("cloglog")),
  poisson = list(api.stu ~ meals10 + stype, quasipoisson()), gamma = list(api.stu ~ stype, Gamma()),
  lognormal = list(api.stu ~ meals10 + stype, Gamma("log"))
)
for (d in names(designs)) {
  for (m in names(models)) {
    fit <- suppressWarnings(svyglm(models[[m]][[1]], designs[[d]], family = models[[m]][[2]], control = tight,
                                   start = if (m == "log") c(6.6, 0) else NULL))
    name <- paste(d, m)
    say(name, "coefficient", coef(fit), SE(fit), fit$df.residual)
    if (m == "gaussian") {
      limits <- confint(fit)
      say(name, "limits", limits[, 1], limits[, 2], fit$df.residual)
      say(name, "p", summary(fit)$coefficients[, 4], summary(fit)$coefficients[, 3], fit$df.residual)
      p <- predict(fit, data.frame(ell = 20, meals10 = 5, stype = "M")); say(name, "prediction", coef(p), SE(p), 0)
    }
    if (m == "binomial") {
      p <- predict(fit, data.frame(meals10 = 5, stype = "M"), type = "response"); say(name, "prediction", coef(p), SE(p), 0)
    }
    if (m %in% c("gaussian", "binomial")) {
      for (df in c(0, Inf)) {
        test <- if (df == 0) regTermTest(fit, ~stype) else regTermTest(fit, ~stype, df = Inf)
        say(paste(name, if (df == 0) "F" else "Chisq"), "wald", if (df == 0) test$Ftest else test$chisq, test$p, test$df)
      }
    }
  }
  part <- subset(designs[[d]], meals > 30)
  fit <- svyglm(api00 ~ ell + awards, part)
  say(paste(d, "part"), "coefficient", coef(fit), SE(fit), fit$df.residual)
  for (link in c("logistic", "probit")) {
    fit <- svyolr(band ~ meals10 + stype, designs[[d]], method = link, control = list(reltol = 1e-16, maxit = 1000, ndeps = rep(1e-5, 6)))
    say(paste(d, "ordinal", link), "coefficient", c(coef(fit)), SE(fit), fit$df.residual)
  }
  for (statistic in c("F", "Chisq", "Wald", "adjWald", "saddlepoint")) {
    test <- svychisq(~sch.wide + stype, designs[[d]], statistic = statistic)
    say(paste(d, statistic), "table", test$statistic, test$p.value, if (is.null(test$parameter)) NA else test$parameter[1])
  }
  test <- svygofchisq(~band, c(.2, .3, .3, .2), designs[[d]])
  say(paste(d, "shares"), "table", test$statistic, test$p.value, test$parameter["df"])
}
