#pragma once
#include <stddef.h>
#include <stdint.h>

/// Where escapes or UTF-16 may begin in `text`, 64 bytes at a time, with whatever instructions the processor has.
///
/// Goes on from `*position` to the first block of 64 bytes that has any, and sets `*position` to its start. The bits that are
/// set in the answer, the lowest for the first byte, are `\`, `%` and `&`, and zeros as UTF-16 has them: every other byte is
/// one, and no two stand side by side (a disk image has nothing else). Which of the last four bytes of a block is a zero of
/// that kind is the caller's to say.
///
/// Returns 0 when `count` is reached.
uint64_t marks_next(const uint8_t *text, size_t count, size_t *position);
