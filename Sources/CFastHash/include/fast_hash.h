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
