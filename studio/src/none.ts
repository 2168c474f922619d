// Stands in for codecs that the studio never needs.

export default class None {
  static fromConfig(): never {
    throw new Error("The studio reads no Zarr.");
  }
}
