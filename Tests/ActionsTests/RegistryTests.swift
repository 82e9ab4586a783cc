import Actions
import Capabilities
import Testing

@Suite struct RegistryTests {
  @Test func `every declared action is implemented with its own signature, and no other`() {
    let actions = BuiltinActions.all(in: Stage().environment)
    #expect(Set(actions.keys) == Set(ActionSignature.builtin.map(\.id)))
    for signature in ActionSignature.builtin { #expect(actions[signature.id]?.signature == signature) }
  }

  @Test func `an action that only looks is a read, and only that`() {
    for (id, action) in BuiltinActions.all(in: Stage().environment) {
      switch action {
      case .read(let read): #expect(read.signature.effect == .read, "\(id)")
      case .effect(let effect): #expect(effect.signature.effect != .read, "\(id)")
      }
    }
  }
}
