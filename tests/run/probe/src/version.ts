export const VERSION = "one";
