// Stands in for codecs that the studio never needs.

export default {
  fromConfig(): never {
    throw new Error("The studio does not read Zarr.");
  },
};
