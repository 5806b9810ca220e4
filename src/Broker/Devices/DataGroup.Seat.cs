namespace WebMessenger.Broker.Devices;

/// <content>What is noted of each member.</content>
internal sealed partial class DataGroup
{
    /// <summary>A connected member. Guarded by the group's gate, but for what never changes.</summary>
    internal sealed class Seat(DataSubscription its)
    {
        public IGroupMember Member { get; } = (IGroupMember)its.Member;

        public DataSubscription Its { get; set; } = its;

        public int Index { get; set; }

        public int Load { get; set; }

        /// <summary>Deliveries that are meant for it, and are being written down. The feeder's.</summary>
        public int Planned { get; set; }
    }
}
