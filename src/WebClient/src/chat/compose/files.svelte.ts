/**
 * Files that are dragged over the chat, dropped on it or pasted into it. They cannot be sent yet; left to the browser, a dropped one would
 * take the place of the chat, and a pasted one vanish without a word.
 */
export class Files {
  /** Somebody drags some over the page. */
  over = $state(false);
  /** How often some were caught. */
  caught = $state(0);

  readonly dragover = (event: DragEvent): void => {
    if (carriesFiles(event.dataTransfer)) {
      this.over = true;
      event.preventDefault();
    } else if (!takesText(event.target)) {
      // A dragged link would be opened in place of the chat.
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'none';
    }
  };

  readonly dragleave = (event: DragEvent): void => {
    // Out of the window: within it, there is an element that is entered.
    if (event.relatedTarget === null) this.over = false;
  };

  readonly drop = (event: DragEvent): void => {
    this.over = false;
    if (carriesFiles(event.dataTransfer)) this.caught++;
    else if (takesText(event.target)) return;
    event.preventDefault();
  };

  readonly paste = (event: ClipboardEvent): void => {
    const data = event.clipboardData;
    // Office programs put a picture of the text beside it: then it is the text that is meant.
    if (!carriesFiles(data) || data!.getData('text/plain') !== '') return;
    event.preventDefault();
    this.caught++;
  };
}

function carriesFiles(data: DataTransfer | null): boolean {
  return data?.types.includes('Files') ?? false;
}

function takesText(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
