"""The same sequences of requests put to two targets, and what their answers have to do with each other."""
