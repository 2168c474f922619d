// Masks travel as runs: label, count, label, count, ... over the voxels of a slice, first in-plane axis fastest.

/** The labels of one slice; `size` voxels. */
export function decode(runs: readonly number[], size: number): Uint16Array {
  const labels = new Uint16Array(size);
  let at = 0;
  for (let i = 0; i + 1 < runs.length; i += 2) {
    const end = at + (runs[i + 1] as number);
    if (end > size) throw new RangeError(`Runs of more than the slice's ${size} voxels`);
    if (runs[i] !== 0) labels.fill(runs[i] as number, at, end);
    at = end;
  }
  return labels;
}

/** The runs of the labels of one slice. */
export function encode(labels: ArrayLike<number>): number[] {
  const runs: number[] = [];
  for (let at = 0; at < labels.length; ) {
    const label = labels[at] as number;
    let end = at + 1;
    while (end < labels.length && labels[end] === label) end++;
    runs.push(label, end - at);
    at = end;
  }
  return runs;
}

/** How many voxels carry any label. */
export function filled(runs: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i + 1 < runs.length; i += 2) if (runs[i] !== 0) sum += runs[i + 1] as number;
  return sum;
}
