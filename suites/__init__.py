"""The definitions of named suites, a YAML file each; `inspect_autointerp.suites` reads them."""
