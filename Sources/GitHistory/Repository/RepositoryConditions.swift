import Capabilities

/// What stands in the way of reading or rewriting a repository, found before anything is opened or changed.
struct RepositoryConditions: Sendable {
  let layout: RepositoryLayout
  private let configuration: ConfigurationFile

  init(_ layout: RepositoryLayout) throws(CapabilityError) {
    self.layout = layout
    configuration = try ConfigurationFile(path: layout.common / "config")
  }

  /// Formats that neither libgit2 nor the object engine reads.
  func checkReadable() throws(CapabilityError) {
    let path = layout.common.text
    if let format = configuration["extensions.objectformat"], format.lowercased() != "sha1" {
      throw unsupported(
        "its object format is \(format); only SHA-1 repositories can be read",
        fix: "purge it with git filter-repo --replace-text, which reads such repositories")
    }
    if let storage = configuration["extensions.refstorage"], storage.lowercased() != "files" {
      throw unsupported(
        "its references are stored as \(storage)", fix: "git -C '\(path)' refs migrate --ref-format=files")
    }
    let partial = configuration.entries.contains {
      $0.key == "extensions.partialclone" || $0.key.hasPrefix("remote.") && $0.key.hasSuffix(".promisor")
    }
    let promisorPack = try DurableFiles.entries(of: layout.packs).contains {
      $0.suffix(9).elementsEqual(".promisor".utf8)
    }
    if partial || promisorPack {
      throw unsupported(
        "it is a partial clone: objects that were never downloaded cannot be searched",
        fix: "use a full clone, made with git clone --mirror from its remote")
    }
    if configuration.isTrue("extensions.worktreeconfig") {
      throw unsupported(
        "it uses extensions.worktreeConfig, which libgit2 refuses to open",
        fix:
          "move the settings of config.worktree into config, then: git -C '\(path)' config --unset extensions.worktreeConfig"
      )
    }
  }

  /// What a rewrite cannot be done on.
  func checkRewritable() throws(CapabilityError) {
    try checkReadable()
    let path = layout.common.text
    if let shallow = try DurableFiles.readIfPresent(layout.common / "shallow"), !shallow.isEmpty {
      throw unsupported(
        "it is shallow: the history behind its boundary is not here and would keep the secret",
        fix: "git -C '\(path)' fetch --unshallow")
    }
    if DurableFiles.exists(layout.common / "info" / "grafts") {
      throw unsupported(
        "it has grafts (info/grafts): its history as Git shows it is not the history in its objects",
        fix: "git -C '\(path)' replace --convert-graft-file")
    }
    if let alternates = try DurableFiles.readIfPresent(layout.objects / "info" / "alternates"),
      !alternates.isEmpty
    {
      throw unsupported(
        "it borrows objects from another repository (objects/info/alternates) that would keep the secret",
        fix:
          "git -C '\(path)' repack -a -d && rm '\(layout.objects.text)/info/alternates'; rewrite the other one too"
      )
    }
    for tree in layout.workTrees where DurableFiles.exists(tree.gitDirectory / "index") {
      if try IndexFile.isSplit(tree.gitDirectory / "index") {
        throw unsupported(
          "its index is split (core.splitIndex)",
          fix: "git -C '\((tree.root ?? tree.gitDirectory).text)' update-index --no-split-index")
      }
    }
  }

  private func unsupported(_ because: String, fix: String) -> CapabilityError {
    CapabilityError(.unsupported, "open \(layout.common.text)", because: because, fix: fix)
  }
}
