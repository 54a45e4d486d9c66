"""The HTTP faces: the Worker's routes and the control surface, on Starlette and Hypercorn."""
