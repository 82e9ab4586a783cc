import PostMortems
import Testing

@Suite("Rules about actions, rows and sections")
struct StructureRulesTests {
  private static let actions = """
    ## Action items

    | action | owner role | ticket | done-test |
    | --- | --- | --- | --- |

    """

  @Test(
    "BL12: exhortations among the actions",
    arguments: [
      LintCase.found("## Action items\n\n- Be more careful"), .found("## Action items\n\n- Remind the team"),
      .found("## Action items\n\n- Re-train people"), .found("## Actions\n\n- Raise awareness"),
      .found("## Actions\n\n- Pay more attention"), .fine("## Action items\n\n- Install a hook"),
      .fine("## Summary\n\nThe page reminds people."),
    ])
  func exhortation(test: LintCase) { Lint.expect("BL12", .warning, test) }

  @Test(
    "BL13: actions that cannot be finished",
    arguments: [
      LintCase.found(actions + "| Investigate the hook | lead | T-1 | a push fails |"),
      .found(actions + "| Look into it | lead | T-1 | a push fails |"),
      .found(actions + "| Install a hook | | T-1 | a push fails |"),
      .found(actions + "| Install a hook | lead | … | a push fails |"),
      .found(actions + "| Install a hook | lead | T-1 | |"),
      .found("## Action items\n\n- Install a hook"),
      .fine(actions + "| Install a hook | lead | T-1 | a push of a decoy fails |"),
      .fine("## Action items\n\n- Install a hook; owner: lead; ticket: T-1; done when a push fails"),
      .fine("## Summary\n\n- Investigate"),
    ])
  func actionable(test: LintCase) { Lint.expect("BL13", .warning, test) }

  @Test(
    "BL21: rows that nobody can check",
    arguments: [
      LintCase.found("## Timeline\n\n| at | what | by |\n| --- | --- | --- |\n| 03:00 | push | [x](#e1) |"),
      .found(
        "## Timeline\n\n| at | what | by |\n| --- | --- | --- |\n| 2026-11-24T03:00:00Z | push | seen |"),
      .found("## Timeline\n\n- a push"),
      .fine(
        "## Timeline\n\n| at | what | by |\n| --- | --- | --- |\n| 2026-11-24T03:00:00.000Z | push | [x](#e1) |"
      ),
      .fine(
        "## Timeline\n\n| at | what | by |\n| --- | --- | --- |\n| 2026-11-24 03:00 UTC | said | entered |"),
      .fine("## Timeline\n\n- 2026-11-24T03:00Z push, [x](#e1)"), .fine("## Metrics\n\n- a push"),
    ])
  func unverifiableRow(test: LintCase) { Lint.expect("BL21", .error, test) }

  @Test(
    "BL23: lessons without what went well",
    arguments: [
      LintCase.found("## What went well\n\n_What worked?_\n\n## Next"),
      .found("## Where we got lucky\n\n<!-- people:begin x -->\n<!-- people:end x -->\n"),
      .fine("## What went well\n\nThe probe was there.\n"),
      .fine("## Lessons: went well, lucky\n\n### Went well\n\nText"),
      .fine("## Summary\n"),
    ])
  func emptyLessons(test: LintCase) { Lint.expect("BL23", .suggestion, test) }
}
