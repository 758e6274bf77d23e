"""Is a quantum memory worth anything that can be learnt from data?"""
