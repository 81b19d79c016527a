"""One module for each engine of the comparison with everyone: how that engine is used."""
