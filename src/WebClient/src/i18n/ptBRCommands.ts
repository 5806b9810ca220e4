import type { enCommands } from './enCommands';

/** Brazilian Portuguese, in the order of the English. */
export const ptBRCommands: Record<keyof typeof enCommands, string> = {
  'composer.noCommand': 'Não existe o comando “/{name}”, e ninguém leu isto. Para enviar como texto, comece com duas barras.',
  'composer.addSlash': 'Pôr mais uma barra',
  'composer.paste.one': 'Isso tem {count} caractere, e cabem {most} numa mensagem. Colar mesmo assim?',
  'composer.paste.other': 'Isso tem {count} caracteres, e cabem {most} numa mensagem. Colar mesmo assim?',
  'composer.pasteAll': 'Colar',
  'composer.pasteNot': 'Deixar',
  'composer.goOn': 'Continuar escrevendo',
  'composer.needsDice': 'Depois de “/{name}” vêm os dados: “/roll 2d6” joga dois de seis lados. No máximo {dice} dados, de 2 a {sides} lados.',
  'composer.needsTopic': 'Depois de “/{name}” vem um tópico, ou o nome de um aparelho: “/show bed/temp”.',
  'composer.needsText': 'Depois de “/{name}” vem o que você faz: “/me acena”.',
  'composer.needsPerson': 'Depois de “/{name}” vem de quem se trata: “/{name} @bea”.',
  'composer.onlyHosts': 'Só quem cuida desta sala faz isto. Ninguém leu o que você escreveu.',
  'command.kick': 'Tira da sala: “/kick @bea por quê”',
  'command.ban': 'Bane: “/ban @bea 1d por quê”',
  'command.mute': 'Silencia: “/mute @bea 10m por quê”',
  'command.invite': 'Convida: “/invite @bea”',
  'composer.notOneself': 'Não dá para fazer isso com a própria conta.',
  'composer.ranksAsHigh': 'Não dá para fazer isso com quem tem aqui o mesmo papel que você, ou um acima.',
  'command.inviteQuestion': 'Convidar {name} para {room}?',
  'help.hosts': 'para quem cuida da sala',
};
