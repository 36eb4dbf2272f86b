"""What a planned evaluation will ask of models, and what that costs."""
