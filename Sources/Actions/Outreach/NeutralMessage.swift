/// What a public tracker says before containment. A permalink or the word "leak" would be a map for an attacker.
public enum NeutralMessage {
  public static let title = "Credential hygiene task"
  public static let body = "Routine credential maintenance is in progress. Details follow."
}
