public import Capabilities

/// A copy of a leaked value outside of Git's history: on this machine, in a file or in what a file holds.
public struct FoundCopy: Sendable, Hashable {
  /// Absolute; members of archives follow a `!`. Without the value and without control characters.
  public let path: String
  public let kind: CopyKind
  /// `content`, `name`, `frame` (what stands between an archive's members), `pages` (a value in several pages of a
  /// database), `link` (where a link points), `resource` (of Terraform).
  public let part: String
  /// From 1; nil where it says nothing: names, binary files, resources.
  public let line: Int?
  /// As docs/FORMS.md calls it.
  public let form: String
  /// Number of the value that was looked for, from 0.
  public let pattern: Int
  /// Whose attribute it is, in Terraform's state and plans.
  public let resource: TerraformPlace?
  /// What to do about it.
  public let fix: String

  /// What undoes the answer to a leak if nobody looks; nil where nothing does.
  public var trap: String? {
    guard let resource, resource.type == "aws_iam_access_key" else { return nil }
    return TerraformAdvice.reactivation(of: resource.address)
  }

  /// The same in a document that stands elsewhere, too.
  func moved(from former: String, to place: String) -> FoundCopy {
    guard path.hasPrefix(former) else { return self }
    return FoundCopy(
      path: place + path.dropFirst(former.count), kind: kind, part: part, line: line, form: form,
      pattern: pattern, resource: resource, fix: fix)
  }

  /// One line: `/home/dev/.env:3`, `…/terraform.tfstate aws_db_instance.main password`.
  public var text: String {
    resource.map { "\(path)  \($0.address)  \($0.attribute)" } ?? path + (line.map { ":\($0)" } ?? "")
  }
}

/// An attribute in a state or a plan.
public struct TerraformPlace: Sendable, Hashable {
  /// As `terraform state show` takes it: `module.db["eu"].aws_db_instance.main[0]`; `output.name`, `var.name`.
  public let address: String
  /// `password`, `environment[0].variables.TOKEN`.
  public let attribute: String
  /// `aws_iam_access_key`; nil for outputs and variables.
  public let type: String?
}

/// What a search outside of Git found, and what it did not look into.
public struct CopyReport: Sendable, Hashable {
  /// What can be said.
  public enum Verdict: String, Sendable, Hashable {
    /// Everything was searched, and nothing was found.
    case clean
    case found
    /// Nothing was found, and something was not searched.
    case unknown
  }

  /// The absolute paths that were searched.
  public let roots: [String]
  public let places: [FoundCopy]
  public let notSearched: [HistoryUnsearched]
  /// Git repositories in there: their history is searched with `history scan`, not here.
  public let repositories: [String]
  public let files: Int
  /// Bytes that were looked at, those that came out of archives included.
  public let bytes: Int

  /// With what another search found.
  func joined(with other: CopyReport) -> CopyReport {
    CopyReport(
      roots: roots + other.roots, places: places + other.places, notSearched: notSearched + other.notSearched,
      repositories: repositories + other.repositories, files: files + other.files, bytes: bytes + other.bytes)
  }

  public var verdict: Verdict { !places.isEmpty ? .found : notSearched.isEmpty ? .clean : .unknown }

  /// What undoes the answer to a leak if nobody looks, with what to do before.
  public var traps: [String] { Set(places.compactMap(\.trap)).sorted() }
}
