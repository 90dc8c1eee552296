//! AWS protocol codecs over generated schemas
