namespace WebMessenger.Broker.Admin;

/// <summary>The newest of what was measured, one row a step: a row that is too old is written over.</summary>
/// <remarks>Thread-safe; its gate is a leaf lock.</remarks>
/// <param name="length">How many steps.</param>
/// <param name="columns">Figures of a row.</param>
internal sealed class FigureRing(int length, int columns)
{
    private readonly Lock _gate = new();
    private readonly long[] _slots = new long[length];
    private readonly float[] _values = new float[length * columns];

    /// <param name="slot">The number of the step since 1970, above 0.</param>
    /// <param name="row">A figure for each column; NaN: not measured.</param>
    public void Put(long slot, ReadOnlySpan<float> row)
    {
        var place = (int)(slot % length);
        lock (_gate)
        {
            _slots[place] = slot;
            row[..columns].CopyTo(_values.AsSpan(place * columns, columns));
        }
    }

    /// <summary>One figure of so many steps, up to this one.</summary>
    /// <returns>Null where nothing was measured.</returns>
    public double?[] Read(long last, int count, int column)
    {
        var read = new double?[count];
        lock (_gate)
        {
            for (var i = 0; i < count; i++)
            {
                var slot = last - count + 1 + i;
                var place = (int)(slot % length);
                if (slot > 0 && _slots[place] == slot && _values[(place * columns) + column] is var value && !float.IsNaN(value))
                {
                    read[i] = Math.Round(value, 2);
                }
            }
        }

        return read;
    }
}
