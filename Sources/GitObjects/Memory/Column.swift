/// A fixed number of plain values outside of Swift's arrays: no bounds checks, no copies on write.
///
/// Invariant for @unchecked: threads that share a column write disjoint elements, and read what another wrote only after
/// both have been joined. An index comes from ``ObjectTable`` and is therefore in range.
final class Column<Element: BitwiseCopyable>: @unchecked Sendable {
  let values: UnsafeMutablePointer<Element>
  let count: Int

  init(_ value: Element, count: Int) {
    values = .allocate(capacity: max(count, 1))
    values.initialize(repeating: value, count: count)
    self.count = count
  }

  deinit { values.deallocate() }

  @inline(__always)
  subscript(index: Int) -> Element {
    get { values[index] }
    set { values[index] = newValue }
  }
}
