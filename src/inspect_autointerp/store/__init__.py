"""The context store on disk: what prep writes and everything else reads."""
