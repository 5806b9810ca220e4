/** What sort of account somebody has, by the server's word. The page tells the three apart wherever it names somebody. */
export type Kind = 'person' | 'guest' | 'bot';
