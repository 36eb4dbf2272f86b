"""Reading of models' answers: any sane form, and nothing that could be read in two ways."""
