#pragma once
#include <stddef.h>
#include <stdint.h>

/// SHA-1 of a Git object: of `header` (type, size, NUL) followed by `content`.
void fast_hash_object(const void *header, size_t header_count, const void *content, size_t content_count,
                      uint8_t digest[20]);

/// A running SHA-1, for files that are written in pieces.
typedef struct fast_hash_stream fast_hash_stream;
fast_hash_stream *fast_hash_stream_new(void);
void fast_hash_stream_update(fast_hash_stream *stream, const void *bytes, size_t count);
/// Writes the digest; the stream must not be updated again.
void fast_hash_stream_finish(fast_hash_stream *stream, uint8_t digest[20]);
void fast_hash_stream_free(fast_hash_stream *stream);

/// Starts writing a range of a file back to the disk without waiting (Linux; elsewhere nothing happens). Only a hint.
void fast_hash_start_writeback(int descriptor, int64_t offset, int64_t count);

/// Asks the processor to load the bytes at `address` into its cache.
static inline void fast_hash_prefetch(const void *address) { __builtin_prefetch(address); }
