"""The recommended path through the estimators: a base in, a result out."""
