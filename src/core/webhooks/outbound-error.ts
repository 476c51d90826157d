/** A request to a receiver that got no response. The message can be shown to the owner: it contains no address and no detail of the network. */
export class OutboundError extends Error {}
