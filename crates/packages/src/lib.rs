//! Function code and layers: durable blobs and their unpacked form
