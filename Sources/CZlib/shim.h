#pragma once
#include <zlib.h>

// inflateInit and deflateInit are macros, which Swift cannot call.
static inline int czlib_inflate_init(z_streamp stream) { return inflateInit(stream); }
static inline int czlib_deflate_init(z_streamp stream, int level) { return deflateInit(stream, level); }
// windowBits: -15 for raw deflate (zip), 31 for gzip. Source: zlib.h, inflateInit2.
static inline int czlib_inflate_init2(z_streamp stream, int window_bits) { return inflateInit2(stream, window_bits); }
