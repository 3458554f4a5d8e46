"""Pure functions of a batch's outputs and streams; each returns a sum and knows its global denominator."""
