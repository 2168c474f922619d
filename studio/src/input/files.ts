// Files that are dropped on the page or chosen, with their paths in the folder that they came in.

export interface Sent {
  file: File;
  path: string;
}

/** Return chosen files with their paths. */
export function chosenFiles(files: readonly File[]): Sent[] {
  return files
    .filter((file) => !hiddenFile(file.name))
    .map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** Return all files of a drop, those in folders too. */
export async function droppedFiles(transfer: DataTransfer): Promise<Sent[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!entries.length) return chosenFiles([...transfer.files]);
  return (await Promise.all(entries.map(walk))).flat();
}

async function walk(entry: FileSystemEntry): Promise<Sent[]> {
  if (hiddenFile(entry.name)) return [];
  if (entry.isFile) {
    const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Sent[] = [];
  for (;;) {
    // A reader returns up to a hundred entries per call, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return found;
    found.push(...(await Promise.all(some.map(walk))).flat());
  }
}

function hiddenFile(name: string): boolean {
  return name.startsWith(".") || name === "Thumbs.db";
}

/** Call a function with the files that are dropped anywhere on the page. */
export function listenToDrops(take: (files: Sent[]) => void): void {
  let depth = 0;
  const over = (on: boolean): void => void document.body.classList.toggle("dropping", on);
  addEventListener("dragenter", () => over(++depth > 0));
  addEventListener("dragleave", () => over(--depth > 0));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    over(false);
    if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(take);
  });
}
