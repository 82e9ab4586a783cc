/// The pages of the console: board documents in, HTML out.
public enum ConsolePages {}
