import Foundation

extension ConsolePages {
  private struct SeveralModel: Sendable {
    struct Pick: Sendable {
      let pickNumber: Int
      let pickID: String
      let pickPath: String
      let pickName: String
      let pickSeverity: String
      let pickClass: String
      let pickText: String
    }
    struct Refusal: Sendable {
      let refusedIncident: String
      let refusedBecause: String
    }
    let notice: NoticeModel
    let refusals: [Refusal]
    let picks: [Pick]
    let hasPicks: Bool
    let csrf: String
    let maySign: Bool
    let oneRole: String?
    let manyRoles: Bool
    let roles: [String]
    let pageText: String
    let previousPage: String?
    let nextPage: String?
  }

  /// What waits for a person, to decide about several at once.
  ///
  /// - Parameters:
  ///   - refused: incidents to which the last word did not apply, and why.
  public func several(
    _ listing: IncidentListing, in frame: Frame, viewer: Viewer, failure: Failure? = nil,
    said: (what: String, outcome: String)? = nil, refused: [(incident: String, because: String)] = []
  ) -> String {
    let picks = listing.rows.enumerated().map { index, row in
      let head = IncidentHead(row, now: frame.now)
      return SeveralModel.Pick(
        pickNumber: index + 1, pickID: head.id, pickPath: head.path, pickName: head.codename,
        pickSeverity: head.severity, pickClass: head.severityClass,
        pickText: [head.kind, head.rowPlace, head.nextText].compactMap { $0 }.joined(separator: " · "))
    }
    func address(_ page: Int) -> String { page > 1 ? "/decide?page=\(page)" : "/decide" }
    let first = (listing.page - 1) * listing.pageSize + 1
    return render(
      "several",
      SeveralModel(
        notice: NoticeModel(failure: failure, said: said),
        refusals: refused.map { .init(refusedIncident: $0.incident, refusedBecause: $0.because) },
        picks: picks, hasPicks: !picks.isEmpty, csrf: viewer.csrf, maySign: viewer.mayApprove,
        oneRole: viewer.roles.count == 1 ? viewer.roles.first : nil, manyRoles: viewer.roles.count > 1,
        roles: viewer.roles,
        pageText: picks.isEmpty
          ? ""
          : "\(ConsoleText.number(first))–\(ConsoleText.number(first + picks.count - 1)) of "
            + ConsoleText.number(listing.total),
        previousPage: listing.page > 1 ? address(listing.page - 1) : nil,
        nextPage: listing.page * listing.pageSize < listing.total ? address(listing.page + 1) : nil),
      title: "Decide about several", in: frame)
  }
}
