"""Background work, thin: which event causes which job, and the jobs themselves."""
