// The keys of a file of `playbooks/kinds`.
extension Grammar {
  static let kindKnowledge = Grammar(
    name: "kind",
    keys: [
      Key("kind", .identifier, required: true, "The row of the table of kinds; the file's own name."),
      Key("provider", .text, required: true, "Who accepts it, as people say it."),
      Key("authority", .text, required: true, "Whose authority suffices to stop it."),
      Key("revoke", .object("kind_procedure"), required: true, "How a person stops it."),
      Key("issue", .object("kind_procedure"), required: true, "How a person makes its successor."),
      Key("survives", .list(.text), required: true, "What lives on when it is stopped."),
      Key("propagation", .text, required: true, "How long until its end holds, and where that is from."),
      Key("usage", .text, required: true, "How its use is searched."),
      Key("self_verify", .object("kind_self"), required: true, "What asks it with the leaked value alone."),
      Key("self_revoke", .object("kind_self"), required: true, "What stops it with the leaked value alone."),
      Key("danger", .object("kind_danger"), required: true, "What its holder can do with it."),
      Key("documentation", .list(.object("kind_source")), required: true, "The pages that this is from."),
    ])

  static let kindProcedure = Grammar(
    name: "kind_procedure",
    keys: [
      Key("page", .text, required: true, "Where it begins: https."),
      Key("steps", .list(.text), required: true, "What a person does, one after the other."),
    ])

  static let kindSelf = Grammar(
    name: "kind_self",
    keys: [
      Key("provider", .identifier, "The kind of a provider of ours."),
      Key("verb", .word(KindKnowledge.Verb.allCases.map(\.rawValue)), "Its verb."),
      Key("not", .text, "Why the leaked value alone is not enough."),
    ])

  static let kindDanger = Grammar(
    name: "kind_danger",
    keys: KindKnowledge.Danger.Trait.allCases.map {
      Key($0.rawValue, .either([.boolean, .text]), required: true, "false, or how, in a few words.")
    })

  static let kindSource = Grammar(
    name: "kind_source",
    keys: [
      Key("address", .text, required: true, "https."),
      Key("read", .text, required: true, "The day that it was read: 2026-11-30."),
    ])
}
