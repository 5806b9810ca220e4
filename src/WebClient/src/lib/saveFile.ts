/** Has the browser save it, under this name or a free one like it. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has taken it by the end of this task.
  setTimeout(() => URL.revokeObjectURL(link.href));
}
