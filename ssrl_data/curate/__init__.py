"""Which records of a corpus look alike: near duplicates, which no split may divide, and neighbours, the hard donors."""
